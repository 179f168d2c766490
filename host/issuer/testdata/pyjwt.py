"""Signs, verifies and writes keys with PyJWT. Each line of standard input is a
call, a JSON object; its result is a line on standard output."""

import json
import sys
import warnings

import jwt
from jwt import PyJWKSet
from jwt.algorithms import get_default_algorithms

warnings.simplefilter("ignore")
algorithms = get_default_algorithms()


def sign(alg, key, claims, kid):
    return jwt.encode(claims, key, algorithm=alg, headers={"kid": kid} if kid else None)


def verify(alg, key, token):
    return jwt.decode(token, key, algorithms=[alg], options={"verify_aud": False})


def jwk(alg, key, kid):
    a = algorithms[alg]
    key = a.to_jwk(a.prepare_key(key), as_dict=True)
    return {**key, "kid": kid, "alg": alg, "use": "sig"}


def by_set(text, token):
    keys = PyJWKSet.from_json(text)
    header = jwt.get_unverified_header(token)
    return verify(header["alg"], keys[header["kid"]], token)


calls = {f.__name__: f for f in (sign, verify, jwk, by_set)}

for line in sys.stdin:
    call = json.loads(line)
    try:
        reply = {"ok": calls[call.pop("call")](**call)}
    except Exception as e:  # a refused token is a result too
        reply = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(reply), flush=True)
