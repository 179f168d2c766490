package rate_limit

import data.shared

default allow := false

allow if shared.claims

headers["x-user"] := shared.claims.sub
