"""Community: what does the customer say, and give, in public?"""

import narwhals as nw

from features.measures import count, known, total
from features.signal import Signal, share, yes

_TABLE = "community_threads"
_THREADS = count("threads", _TABLE, "opened_at")
_SENTIMENT = total("thread_sentiment", _TABLE, "opened_at", value=nw.col("sentiment"))
_FELT = known("threads_felt", _TABLE, "opened_at", value=nw.col("sentiment"))
_ANSWERS = total("answers_given", _TABLE, "opened_at", value=nw.col("answers_given"))

SIGNALS = (
    Signal(
        "community_member_364d",
        "community",
        "yes/no",
        "Whether the account took part in the community in the last year",
        (_THREADS.last(364),),
        yes,
        upper=1,
    ),
    Signal(
        "sentiment_364d",
        "community",
        "−1 to 1",
        "Average tone of what the account wrote in the community in the last year",
        (_SENTIMENT.last(364), _FELT.last(364)),
        share,
        direction=1,
        lower=-1,
        upper=1,
    ),
    Signal(
        "answers_given_364d",
        "community",
        "answers",
        "Answers the account gave to others in the last year: a sign of loyalty",
        (_ANSWERS.last(364), _THREADS.last(364)),
        lambda answers, threads: nw.when(threads > 0).then(answers),
        direction=1,
    ),
)
