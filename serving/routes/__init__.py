"""The routes of the API, a file per topic; `serving.api` joins them."""
