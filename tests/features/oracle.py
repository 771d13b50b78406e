"""Every signal once more, row by row in plain Python: slow, obvious, and sharing no code with the real thing.

Tables are lists of dicts. A row counts in a window of `days` when the latest of the named times and of `available_at`
lies in `(as_of − days, as_of]`; a date stands for its whole day.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
Where = Callable[[Row], Any]

DAY = timedelta(days=1)
SILENT = {
    "usage_daily": ("date", 14),
    "engagements": ("engaged_at", 56),
    "tickets": ("opened_at", 56),
    "surveys": ("responded_at", 364),
    "community_threads": ("opened_at", 56),
    "invoices": ("issued_at", 91),
}


def known(row: Row, *times: str) -> datetime | None:
    """When all of `times` had come to pass and were known."""
    moments = []
    for time in times:
        value = row[time]
        if value is None:
            return None
        if not isinstance(value, datetime):
            assert isinstance(value, date)
            value = datetime(value.year, value.month, value.day) + DAY
        moments.append(value)
    if row["available_at"] is not None:
        moments.append(row["available_at"])
    return max(moments)


def whole_seconds(start: datetime, end: datetime) -> float:
    return (end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds()


def ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole is not None and whole > 0 else None


def capped(part: float | None, whole: float | None) -> float | None:
    value = ratio(part, whole)
    return None if value is None else min(max(value, 0.0), 1.0)


def minus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def trend(recent: float, longer: float, weight: float) -> float | None:
    if longer == 0:
        return None
    before = (longer - recent) * weight
    return (recent - before) / (recent + before)


def flag(value: bool) -> float:
    return 1.0 if value else 0.0


def ninetieth(values: Sequence[float]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    place = 0.9 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def in_force(contracts: Iterable[Row], account: str, at: datetime, known_by: datetime) -> dict[str, Any] | None:
    """What was under contract at `at`, as known by `known_by`."""
    versions: dict[str, list[tuple[datetime, datetime, Row]]] = {}
    for row in contracts:
        known_at = row["available_at"] or row["term_start"]
        if row["account_id"] == account and known_at <= known_by:
            versions.setdefault(row["contract_id"], []).append((row["term_start"], known_at, row))
    active, signed, starts, renewals = [], {}, [], 0
    for contract, rows in versions.items():
        rows.sort(key=lambda version: version[:2])
        signed[contract] = rows[-1][2]
        begun = [version for version in rows if version[0] <= at]
        if begun:
            starts.append(begun[0][0])
            renewals += len({version[0] for version in begun}) - 1
            row = begun[-1][2]
            if (row["term_end"] is None or row["term_end"] > at) and row["arr"] > 0:
                active.append(row)
    if not active:
        return None
    arr = sum(row["arr"] for row in active)
    seats = [row["seats"] for row in active if row["seats"] is not None]
    kinds = [row["kind"] for row in active if row["kind"] is not None]
    of_kind = sum(row["arr"] for row in active if row["kind"] is not None)
    recurring = sum(row["arr"] for row in active if row["kind"] in ("subscription", "maintenance", "service"))
    service = [row for row in active if row["kind"] in ("maintenance", "service")]
    main = [row for row in active if row["arr"] == max(other["arr"] for other in active)]
    ends = [signed[row["contract_id"]]["term_end"] for row in main]
    ends = [end for end in ends if end is not None]
    lengths = [
        (term["term_end"] - term["term_start"]).total_seconds() / 86_400
        for term in (signed[row["contract_id"]] for row in main)
        if term["term_end"] is not None
    ]
    renews = [flag(row["auto_renew"]) for row in main if row["auto_renew"] is not None]
    return {
        "arr": arr,
        "seats": float(sum(seats)) if seats else None,
        "products": float(len({row["product"] for row in active})),
        "renewal_at": min(ends) if ends else None,
        "term_days": min(lengths) if lengths else None,
        "auto_renew": min(renews) if renews else None,
        "notice": flag(any(row["notice_at"] is not None and row["notice_at"] <= known_by for row in main)),
        "since": min(starts),
        "renewals": float(renewals),
        "recurring_share": ratio(recurring, of_kind),
        "fixed_term": flag(all(row["kind"] == "fixed_term" for row in active)),
        "service_arr": sum(row["arr"] for row in service) if kinds else None,
        "level_known": flag(any(row["service_level"] is not None for row in service)) if service else None,
    }


class Account:
    """One account's rows as known at `as_of`, and the questions one can ask them."""

    def __init__(self, rows: Rows, account: str, as_of: datetime) -> None:
        self.rows, self.name, self.as_of = rows, account, as_of
        self.contract = in_force(rows["contracts"], account, as_of, as_of)
        self.before = in_force(rows["contracts"], account, as_of - 364 * DAY, as_of)
        described = [row for row in rows["accounts"] if row["account_id"] == account]
        described = [row for row in described if row["available_at"] is None or row["available_at"] <= as_of]
        self.segment = described[0]["segment"] if described else None
        self.age = None if self.contract is None else min(int((as_of - self.contract["since"]) / (28 * DAY)), 13)

    def fact(self, name: str) -> Any:
        return None if self.contract is None else self.contract[name]

    def ago(self, name: str) -> Any:
        return None if self.contract is None or self.before is None else self.before[name]

    def seen(self, table: str, *times: str, days: int | None = None, where: Where = lambda _: True) -> list[Row]:
        """The rows that count."""
        found = []
        for row in self.rows[table]:
            at = known(row, *times)
            if row["account_id"] != self.name or at is None or at > self.as_of:
                continue
            if days is None or at > self.as_of - days * DAY:
                found.append(row)
        return [row for row in found if where(row)]

    def count(self, table: str, *times: str, days: int | None = None, where: Where = lambda _: True) -> float:
        return float(len(self.seen(table, *times, days=days, where=where)))

    def values(
        self, column: str, table: str, *times: str, days: int | None = None, where: Where = lambda _: True
    ) -> list:
        return [row[column] for row in self.seen(table, *times, days=days, where=where) if row[column] is not None]

    def days_since(self, table: str, *times: str, where: Where = lambda _: True) -> float | None:
        """Whole days since the latest such row was known."""
        moments = [known(row, *times) for row in self.seen(table, *times, where=where)]
        return float((self.as_of - max(moments)).days) if moments else None

    def share_of(self, column: str, wanted: Where, table: str, *times: str, days: int) -> float | None:
        """Among rows that say, how many say what is wanted."""
        values = self.values(column, table, *times, days=days)
        return ratio(float(sum(bool(wanted(value)) for value in values)), float(len(values)))

    def fed(self, table: str) -> bool:
        if table not in SILENT:
            return True
        time, silent_after = SILENT[table]
        moments = [known(row, time) for row in self.rows[table] if row["account_id"] is not None]
        past = [moment for moment in moments if moment is not None and moment <= self.as_of]
        return bool(past) and (self.as_of - max(past)).days <= silent_after


def mean(values: Sequence[float]) -> float | None:
    return ratio(float(sum(values)), float(len(values)))


def everyone(one: Account) -> list[Account]:
    """All customers of the snapshot."""
    names = sorted({row["account_id"] for row in one.rows["contracts"]})
    accounts = [Account(one.rows, name, one.as_of) for name in names]
    return [account for account in accounts if account.contract is not None]


Question = Callable[[Account], float | None]
ANSWERS: dict[str, tuple[tuple[str, ...], Question]] = {}


def signals(rows: Rows, account: str, as_of: datetime) -> dict[str, float | None]:
    """Every signal of an account; tables the company doesn't have aren't in `rows`."""
    one = Account(rows, account, as_of)
    return {
        name: answer(one) if all(table in rows and one.fed(table) for table in tables) else None
        for name, (tables, answer) in ANSWERS.items()
    }


def of(*tables: str, **answers: Question) -> None:
    """Signals made of these tables."""
    for name, answer in answers.items():
        ANSWERS[name] = (tables, answer)


# --- onboarding and adoption


def is_kind(*kinds: str) -> Where:
    return lambda row: row["kind"] in kinds


def overdue(kind: str) -> Question:
    return lambda one: float(
        len([row for row in one.seen("milestones", "planned_at", where=is_kind(kind)) if not reached(row, one)])
    )


def planned_and_reached(kind: str) -> Question:
    def answer(one: Account) -> float | None:
        planned = one.seen("milestones", "planned_at", where=is_kind(kind))
        return ratio(float(len([row for row in planned if reached(row, one)])), float(len(planned)))

    return answer


def reached(row: Row, one: Account) -> bool:
    return row["reached_at"] is not None and row["reached_at"] <= one.as_of


def first_value(one: Account) -> float | None:
    advanced = one.seen(
        "usage_daily", "date", where=lambda row: (row["advanced_users"] or 0) > 0 or (row["advanced_events"] or 0) > 0
    )
    achieved = one.seen("objectives", "created_at", "achieved_at")
    moments = [known(row, "date") for row in advanced] + [known(row, "created_at", "achieved_at") for row in achieved]
    if not moments or one.contract is None:
        return None
    first = min(moments)
    midnight = datetime(first.year, first.month, first.day)
    midnight += DAY if first > midnight else 0 * DAY
    return max(0.0, (midnight - one.fact("since")).total_seconds() / 86_400)


def steps_ahead(one: Account) -> float | None:
    def steps(account: Account) -> float:
        return account.count("milestones", "reached_at", where=is_kind("onboarding"))

    if one.age is None:
        return None
    return steps(one) - mean([steps(peer) for peer in everyone(one) if peer.age == one.age])


of(
    "engagements",
    onboarding_held=lambda one: flag(bool(one.seen("engagements", "engaged_at", where=is_kind("onboarding")))),
)
of(
    "milestones",
    onboarding_steps_reached=planned_and_reached("onboarding"),
    onboarding_steps_overdue=overdue("onboarding"),
    onboarding_steps_ahead=steps_ahead,
    adoption_steps_reached=planned_and_reached("adoption"),
    adoption_steps_overdue=overdue("adoption"),
    people_trained=lambda one: people(one, "training"),
    people_certified=lambda one: people(one, "certification"),
)
of("usage_daily", "objectives", days_to_first_value=first_value)


def people(one: Account, kind: str) -> float | None:
    return capped(sum(one.values("people", "milestones", "reached_at", where=is_kind(kind))), one.fact("seats"))


def active(one: Account, days: int | None = None) -> list[float]:
    return one.values("active_users", "usage_daily", "date", days=days)


def used(row: Row) -> bool:
    return row["events"] is None or row["events"] > 0


def per_seat(one: Account, people: float) -> float | None:
    return capped(people, one.fact("seats")) if active(one) else None


def advanced_share(one: Account, after: int, until: int) -> float | None:
    """Of the days `after` … `until` before the snapshot, not capped."""
    recent = one.seen("usage_daily", "date", days=until)
    rows = [row for row in one.seen("usage_daily", "date", days=after) if row not in recent]
    rows = [row for row in rows if row["active_users"] is not None and row["advanced_users"] is not None]
    return ratio(float(sum(row["advanced_users"] for row in rows)), float(sum(row["active_users"] for row in rows)))


def clipped(value: float | None, low: float, high: float) -> float | None:
    return None if value is None else min(max(value, low), high)


of(
    "usage_daily",
    licences_adopted_28d=lambda one: per_seat(one, max(active(one, 28), default=0)),
    seat_utilization_28d=lambda one: per_seat(one, sum(active(one, 28)) / 28),
    active_days_28d=lambda one: (
        one.count("usage_daily", "date", days=28, where=used) if one.seen("usage_daily", "date", where=used) else None
    ),
    stickiness_28d=lambda one: capped(sum(active(one, 28)) / 28, max(active(one, 28), default=None)),
    usage_trend_28d=lambda one: trend(sum(active(one, 28)), sum(active(one, 84)), 0.5),
    usage_trend_84d=lambda one: trend(sum(active(one, 84)), sum(active(one, 364)), 0.3),
    feature_breadth_28d=lambda one: max(one.values("features_used", "usage_daily", "date", days=28), default=None),
    advanced_use_84d=lambda one: clipped(advanced_share(one, 84, 0), 0, 1),
    advanced_use_change_28d=lambda one: clipped(minus(advanced_share(one, 28, 0), advanced_share(one, 84, 28)), -1, 1),
    days_since_last_use=lambda one: one.days_since("usage_daily", "date", where=used),
)

# --- success


def weight(rows: Iterable[Row]) -> float:
    return sum(1.0 if row["weight"] is None else row["weight"] for row in rows)


def objectives(one: Account, *times: str, days: int | None = None) -> list[Row]:
    return one.seen("objectives", *times, days=days)


DONE = ("created_at", "due_at", "achieved_at")


def value_realized(one: Account) -> float | None:
    rows = objectives(one, "created_at", "achieved_at")
    rows = [row for row in rows if row["realized_value"] is not None and row["expected_value"] is not None]
    return ratio(sum(row["realized_value"] for row in rows), sum(row["expected_value"] for row in rows))


def value_per_arr(one: Account) -> float | None:
    rows = objectives(one, "created_at", "achieved_at", days=364)
    values = [row["realized_value"] for row in rows if row["realized_value"] is not None]
    if not objectives(one, "created_at") or (rows and not values):
        return None
    return ratio(sum(values), one.fact("arr"))


of(
    "objectives",
    success_plan=lambda one: flag(bool(objectives(one, "created_at"))),
    plan_realization=lambda one: ratio(weight(objectives(one, *DONE)), weight(objectives(one, "created_at", "due_at"))),
    plan_achieved=lambda one: ratio(
        weight(objectives(one, "created_at", "achieved_at")), weight(objectives(one, "created_at"))
    ),
    plan_realization_84d=lambda one: capped(
        weight(objectives(one, *DONE, days=84)), weight(objectives(one, "created_at", "due_at", days=84))
    ),
    objectives_overdue=lambda one: float(len(objectives(one, "created_at", "due_at")) - len(objectives(one, *DONE))),
    objectives_on_time=lambda one: ratio(
        one.count("objectives", *DONE, where=lambda row: row["achieved_at"] <= row["due_at"]),
        one.count("objectives", *DONE),
    ),
    days_since_objective=lambda one: one.days_since("objectives", "created_at", "achieved_at"),
    value_realized=value_realized,
    value_per_arr_364d=value_per_arr,
)
of("surveys", impact_364d=lambda one: mean(scores(one, "impact")), nps_364d=lambda one: mean(scores(one, "nps")))
of("surveys", days_since_nps=lambda one: one.days_since("surveys", "responded_at", where=is_kind("nps")))


def scores(one: Account, kind: str) -> list[float]:
    return one.values("score", "surveys", "responded_at", days=364, where=is_kind(kind))


# --- engagement


def touches(one: Account, days: int, where: Where = lambda _: True) -> float:
    return one.count("engagements", "engaged_at", days=days, where=where)


def is_champion(row: Row) -> bool:
    return row["contact_role"] in ("champion", "sponsor")


def contact_roles(one: Account) -> float | None:
    rows = one.seen("engagements", "engaged_at", days=84)
    roles = {row["contact_role"] for row in rows} - {None}
    return None if rows and not roles else float(len(roles))


def against_peers(one: Account) -> float | None:
    arr = one.fact("arr")
    peers = [peer for peer in everyone(one) if peer.segment == one.segment]
    if one.segment is None or not arr:
        return None
    usual = ratio(sum(touches(peer, 364) for peer in peers), sum(peer.fact("arr") for peer in peers))
    return ratio(touches(one, 364) / arr, usual)


of(
    "engagements",
    touches_84d=lambda one: touches(one, 84),
    touches_trend_84d=lambda one: trend(touches(one, 84), touches(one, 364), 0.3),
    talks_84d=lambda one: touches(one, 84, is_kind("call", "meeting")),
    mails_84d=lambda one: touches(one, 84, is_kind("email")),
    trainings_364d=lambda one: touches(one, 364, is_kind("training")),
    business_review_168d=lambda one: flag(touches(one, 168, is_kind("qbr")) > 0),
    executive_contact_364d=lambda one: flag(touches(one, 364, is_kind("executive")) > 0),
    days_since_last_touch=lambda one: one.days_since("engagements", "engaged_at"),
    positive_touches_364d=lambda one: one.share_of(
        "outcome", lambda value: value == "positive", "engagements", "engaged_at", days=364
    ),
    negative_touches_84d=lambda one: one.share_of(
        "outcome", lambda value: value == "negative", "engagements", "engaged_at", days=84
    ),
    inbound_touches_84d=lambda one: one.share_of(
        "direction", lambda value: value == "inbound", "engagements", "engaged_at", days=84
    ),
    contact_roles_84d=contact_roles,
    champion_lost_84d=lambda one: (
        flag(touches(one, 84, is_champion) == 0) if touches(one, 364, is_champion) > 0 else None
    ),
    touches_against_peers_364d=against_peers,
)

# --- support


def opened(one: Account, days: int, where: Where = lambda _: True) -> float:
    return one.count("tickets", "opened_at", days=days, where=where)


def opened_share(column: str, wanted: Where, days: int) -> Question:
    return lambda one: one.share_of(column, wanted, "tickets", "opened_at", days=days)


def closed_share(column: str) -> Question:
    return lambda one: one.share_of(column, bool, "tickets", "opened_at", "closed_at", days=364)


def defect_rate_change(one: Account) -> float | None:
    recent = one.values("category", "tickets", "opened_at", days=84)
    year = one.values("category", "tickets", "opened_at", days=364)
    before = float(len(year) - len(recent))
    return minus(
        ratio(float(recent.count("defect")), float(len(recent))),
        ratio(float(year.count("defect") - recent.count("defect")), before),
    )


def is_defect(row: Row) -> bool:
    return row["category"] == "defect"


def closed_values(one: Account, column: str, days: int, where: Where = lambda _: True) -> list[float]:
    return one.values(column, "tickets", "opened_at", "closed_at", days=days, where=where)


def defect_cost(one: Account) -> float | None:
    rows = one.seen("tickets", "opened_at", "closed_at", days=364, where=is_defect)
    costs = closed_values(one, "cost", 364, is_defect)
    return None if rows and not costs else float(sum(costs))


def defect_cost_share(one: Account) -> float | None:
    sorted_costs = closed_values(one, "cost", 364, lambda row: row["category"] is not None)
    return ratio(sum(closed_values(one, "cost", 364, is_defect)), sum(sorted_costs))


def still_open(one: Account) -> list[Row]:
    return [row for row in one.seen("tickets", "opened_at") if row["closed_at"] is None or row["closed_at"] > one.as_of]


def open_age(one: Account) -> float | None:
    return mean([whole_seconds(row["opened_at"], one.as_of) / 86_400 for row in still_open(one)])


def hours(one: Account, end: str) -> list[float]:
    rows = one.seen("tickets", "opened_at", end, days=84)
    return [whole_seconds(row["opened_at"], row[end]) / 3600 for row in rows]


def csat_change(one: Account) -> float | None:
    recent, year = closed_values(one, "csat", 84), closed_values(one, "csat", 364)
    return minus(mean(recent), ratio(sum(year) - sum(recent), float(len(year) - len(recent))))


of(
    "tickets",
    tickets_84d=lambda one: opened(one, 84),
    tickets_trend_84d=lambda one: trend(opened(one, 84), opened(one, 364), 0.3),
    defect_rate_84d=opened_share("category", lambda value: value == "defect", 84),
    defect_rate_change_84d=defect_rate_change,
    how_to_rate_84d=opened_share("category", lambda value: value == "how_to", 84),
    defect_cost_364d=defect_cost,
    defect_cost_share_364d=defect_cost_share,
    severe_tickets_84d=lambda one: opened(one, 84, lambda row: row["severity"] in (1, 2)),
    severe_rate_364d=opened_share("severity", lambda value: value <= 2, 364),
    open_tickets=lambda one: float(len(still_open(one))),
    open_tickets_age=open_age,
    first_response_median_84d=lambda one: (
        median(hours(one, "first_response_at") or [0]) if hours(one, "first_response_at") else None
    ),
    first_response_p90_84d=lambda one: ninetieth(hours(one, "first_response_at")),
    resolution_median_84d=lambda one: median(hours(one, "closed_at")) if hours(one, "closed_at") else None,
    resolution_p90_84d=lambda one: ninetieth(hours(one, "closed_at")),
    first_contact_364d=closed_share("first_contact"),
    reopened_364d=closed_share("reopened"),
    escalated_364d=closed_share("escalated"),
    csat_364d=lambda one: mean(closed_values(one, "csat", 364)),
    csat_change_84d=csat_change,
    csat_defect_gap_364d=lambda one: minus(
        mean(closed_values(one, "csat", 364, is_defect)),
        mean(closed_values(one, "csat", 364, lambda row: row["category"] not in (None, "defect"))),
    ),
    public_tickets_364d=opened_share("channel", lambda value: value in ("social", "community"), 364),
)
of(
    "tickets",
    "usage_daily",
    tickets_per_100_users_84d=lambda one: ratio(opened(one, 84) * 100, sum(active(one, 84)) / 84),
)

# --- availability and community


def down(one: Account, days: int) -> float:
    rows = one.seen("incidents", "started_at", "ended_at", days=days)
    return sum(whole_seconds(row["started_at"], row["ended_at"]) for row in rows)


of(
    "incidents",
    outages_84d=lambda one: one.count("incidents", "started_at", days=84),
    severe_outages_84d=lambda one: one.count(
        "incidents", "started_at", days=84, where=lambda row: row["severity"] in (1, 2)
    ),
    open_outages=lambda one: one.count("incidents", "started_at") - one.count("incidents", "started_at", "ended_at"),
    minutes_down_84d=lambda one: down(one, 84) / 60,
    availability_364d=lambda one: max(0.0, 1 - down(one, 364) / (364 * 86_400)),
    days_since_outage=lambda one: one.days_since("incidents", "started_at"),
)

POSTS = ("community_threads", "opened_at")
SOLVED = ("community_threads", "opened_at", "resolved_at")


def sentiment_change(one: Account) -> float | None:
    recent, year = one.values("sentiment", *POSTS, days=84), one.values("sentiment", *POSTS, days=364)
    return minus(mean(recent), ratio(sum(year) - sum(recent), float(len(year) - len(recent))))


of(
    "community_threads",
    community_member_364d=lambda one: flag(one.count(*POSTS, days=364) > 0),
    threads_364d=lambda one: one.count(*POSTS, days=364),
    sentiment_364d=lambda one: mean(one.values("sentiment", *POSTS, days=364)),
    sentiment_change_84d=sentiment_change,
    answers_given_364d=lambda one: (
        float(sum(one.values("answers_given", *POSTS, days=364)))
        if one.values("answers_given", *POSTS, days=364)
        else None
    ),
    known_answer_364d=lambda one: one.share_of("known_answer", bool, *SOLVED, days=364),
    new_issue_364d=lambda one: one.share_of("new_issue", bool, *SOLVED, days=364),
    knowledge_gap_364d=lambda one: one.share_of("in_knowledge_base", lambda value: not value, *SOLVED, days=364),
    severe_threads_364d=lambda one: one.share_of("severity", lambda value: value <= 2, *POSTS, days=364),
    deflected_364d=lambda one: one.share_of("deflected", bool, *SOLVED, days=364),
    entitled_threads_364d=lambda one: one.share_of("entitled", bool, *POSTS, days=364),
)

# --- relationship


def growth(one: Account, fact: str) -> float | None:
    grown = ratio(one.fact(fact), one.ago(fact))
    return None if grown is None else grown - 1


def asks(row: Row) -> bool:
    return row["amount"] > 0


def days_late(one: Account) -> float | None:
    paid = one.seen("invoices", "issued_at", "due_at", "paid_at", days=364, where=asks)
    return mean([max(0.0, whole_seconds(row["due_at"], row["paid_at"]) / 86_400) for row in paid])


def cost_to_serve(one: Account) -> float | None:
    total = 0.0
    for table, times in (("engagements", ("engaged_at",)), ("tickets", ("opened_at", "closed_at"))):
        costs = one.values("cost", table, *times, days=364)
        if one.seen(table, *times, days=364) and not costs:
            return None
        total += sum(costs)
    return ratio(total, one.fact("arr"))


def days_to_renewal(one: Account) -> float | None:
    end = one.fact("renewal_at")
    return None if end is None else max(0.0, (end - one.as_of).total_seconds() / 86_400)


of(
    "contracts",
    arr=lambda one: one.fact("arr"),
    arr_change_364d=lambda one: growth(one, "arr"),
    seats_change_364d=lambda one: growth(one, "seats"),
    recurring_share=lambda one: one.fact("recurring_share"),
    fixed_term=lambda one: one.fact("fixed_term"),
    tenure_days=lambda one: None if one.contract is None else (one.as_of - one.fact("since")).total_seconds() / 86_400,
    renewals=lambda one: one.fact("renewals"),
    days_to_renewal=days_to_renewal,
    contract_term_days=lambda one: one.fact("term_days"),
    auto_renew=lambda one: one.fact("auto_renew"),
    notice_given=lambda one: one.fact("notice"),
    products=lambda one: one.fact("products"),
    service_contract=lambda one: None if one.fact("service_arr") is None else flag(one.fact("service_arr") > 0),
    service_level_known=lambda one: one.fact("level_known"),
    service_step_up_364d=lambda one: (
        None
        if one.fact("service_arr") is None or one.ago("service_arr") is None
        else flag(one.fact("service_arr") > one.ago("service_arr"))
    ),
)
of(
    "invoices",
    invoices_overdue=lambda one: (
        one.count("invoices", "issued_at", "due_at", where=asks)
        - one.count("invoices", "issued_at", "due_at", "paid_at", where=asks)
    ),
    days_late_364d=days_late,
)
of("engagements", "tickets", cost_to_serve_364d=cost_to_serve)
