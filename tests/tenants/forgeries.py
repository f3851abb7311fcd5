"""What a forger may try with a token. Each attack is one line: its name, and the token it sends."""

import json
import time
from uuid import uuid4

from tests.tenants.forger import (
    P256_ORDER,
    Attack,
    access_by,
    claimed,
    confused,
    der,
    filled,
    headed_by,
    loosely_signed,
    loosened,
    nested,
    operators_own,
    padded,
    parts,
    resigned,
    spelt,
    standard,
    standard_signature,
    unsigned,
    unsigned_access,
    with_signature,
)
from tests.tokens import b64, public_pem, segment, without

PAIR = ("RS256", "ES256", "EdDSA")


def now() -> int:
    """When a token is forged; minutes may lie between that and the making of this table."""
    return int(time.time())


ALGORITHMS: dict[str, Attack] = {
    "alg none": lambda w: unsigned(w.me, "none"),
    "alg None": lambda w: unsigned(w.me, "None"),
    "alg NONE": lambda w: unsigned(w.me, "NONE"),
    "alg nOnE": lambda w: unsigned(w.me, "nOnE"),
    "alg none with a signature": lambda w: unsigned(w.me, "none", "c2lnbmVk"),
    "alg none properly signed": lambda w: w.me.headed(alg="none"),
    "alg with a trailing blank": lambda w: w.me.headed(alg="HS256 "),
    "alg in lower case": lambda w: w.me.headed(alg="hs256"),
    "alg empty": lambda w: w.me.headed(alg=""),
    "alg missing": lambda w: w.me.sealed(without(w.me.header(), "alg"), w.me.claims()),
    "alg null": lambda w: w.me.headed(alg=None),
    "alg a list": lambda w: w.me.headed(alg=["HS256"]),
    "alg a number": lambda w: w.me.headed(alg=256),
    "alg unknown": lambda w: w.me.headed(alg="XS256"),
    "HS384 with the HS256 secret": lambda w: confused(w.me, "HS384", w.me.secret),
    "HS512 with the HS256 secret": lambda w: confused(w.me, "HS512", w.me.secret),
    "HS256 with an empty secret": lambda w: confused(w.me, "HS256", ""),
    "HS256 with the kid as secret": lambda w: confused(w.me, "HS256", w.me.kid),
    "DER spelling of an ES256 signature": lambda w: der(w.owner_of("ES256")),
    "ES256 signature of zeros": lambda w: with_signature(
        w.owner_of("ES256").token(), b64(bytes(64))
    ),
    "ES256 signature of r=s=n": lambda w: with_signature(
        w.owner_of("ES256").token(), b64(bytes.fromhex(P256_ORDER) * 2)
    ),
    "EdDSA signature of zeros": lambda w: with_signature(
        w.owner_of("EdDSA").token(), b64(bytes(64))
    ),
    "RS256 signature of one": lambda w: with_signature(
        w.owner_of("RS256").token(), b64(b"\x00" * 255 + b"\x01")
    ),
}


for _name in PAIR:
    ALGORITHMS |= {
        f"HS256 with the {_name} public key": lambda w, name=_name: confused(
            w.owner_of(name), "HS256", public_pem(name)
        ),
        f"HS256 with the {_name} public key, stripped": lambda w, name=_name: confused(
            w.owner_of(name), "HS256", public_pem(name).strip()
        ),
        f"HS512 with the {_name} public key": lambda w, name=_name: confused(
            w.owner_of(name), "HS512", public_pem(name)
        ),
        f"{_name} claimed for an HS256 key": lambda w, name=_name: w.me.headed(alg=name),
        f"HS256 claimed for an {_name} key": lambda w, name=_name: w.owner_of(name).headed(
            alg="HS256"
        ),
        f"{_name} signature under an HS256 kid": lambda w, name=_name: resigned(
            w.me, w.owner_of(name)
        ),
        f"{_name} without signature": lambda w, name=_name: unsigned(w.owner_of(name), name),
        f"{_name} signature cut off": lambda w, name=_name: w.owner_of(name).token()[:-8],
    }

KEYS: dict[str, Attack] = {
    "kid unknown": lambda w: w.me.headed(kid="k_AAAAAAAAAAAAAAAA"),
    "kid missing": lambda w: w.me.sealed(without(w.me.header(), "kid"), w.me.claims()),
    "kid empty": lambda w: w.me.headed(kid=""),
    "kid null": lambda w: w.me.headed(kid=None),
    "kid a number": lambda w: w.me.headed(kid=1),
    "kid true": lambda w: w.me.headed(kid=True),
    "kid a list": lambda w: w.me.headed(kid=[w.me.kid]),
    "kid an object": lambda w: w.me.headed(kid={"kid": w.me.kid}),
    "kid huge": lambda w: w.me.headed(kid="k" * 2500),
    "kid a path": lambda w: w.me.headed(kid="../../../../dev/null"),
    "kid SQL": lambda w: w.me.headed(kid="' OR '1'='1' --"),
    "kid SQL union": lambda w: w.me.headed(kid="x' UNION SELECT 'secret"),
    "kid with NUL": lambda w: w.me.headed(kid=w.me.kid + "\x00"),
    "kid with a newline": lambda w: w.me.headed(kid=w.me.kid + "\n"),
    "kid with a blank": lambda w: w.me.headed(kid=" " + w.me.kid),
    "kid in other case": lambda w: w.me.headed(kid=w.me.kid.swapcase()),
    "kid a pattern": lambda w: w.me.headed(kid="%"),
    "kid not ASCII": lambda w: w.me.headed(kid="k\u00e9"),
    "kid a lone surrogate": lambda w: w.me.headed(kid="\ud800"),
    "kid of a colleague": lambda w: w.me.headed(kid=w.colleague.kid),
    "kid of a stranger": lambda w: w.me.headed(kid=w.stranger.kid),
    "my key, a colleague's claims": lambda w: w.me.sealed(w.me.header(), w.colleague.claims()),
    "my key, a stranger's claims": lambda w: w.me.sealed(w.me.header(), w.stranger.claims()),
    "a stranger's kid and claims, my key": lambda w: resigned(w.stranger, w.me),
    "signature of another of my tokens": lambda w: with_signature(
        w.me.token(), parts(w.me.token(jti="1"))[2]
    ),
    "payload exchanged": lambda w: ".".join(
        [
            parts(w.me.token())[0],
            segment(w.me.claims(sub=w.colleague.subject)),
            parts(w.me.token())[2],
        ]
    ),
}

WRONG: dict[str, object] = {
    "a list": ["noctis", "noctis-services"],
    "a number": 1,
    "null": None,
    "empty": "",
    "an object": {},
    "true": True,
    "with a blank": "noctis-services ",
    "somebody else's": str(uuid4()),
}
CLAIMS: dict[str, Attack] = {
    f"{claim} {how}": lambda w, claim=claim, value=value: w.me.token(**{claim: value})
    for claim in ("sub", "tenant_id", "iss", "aud")
    for how, value in WRONG.items()
} | {
    f"{claim} missing": lambda w, claim=claim: w.me.sealed(
        w.me.header(), without(w.me.claims(), claim)
    )
    for claim in ("sub", "tenant_id", "iss", "aud", "exp")
}
CLAIMS |= {
    "sub in upper case": lambda w: w.me.token(sub=w.me.subject.upper()),
    "sub of a colleague": lambda w: w.me.token(sub=w.colleague.subject),
    "tenant_id of a stranger": lambda w: w.me.token(tenant_id=w.stranger.tenant),
    "tenant_id listed with my own": lambda w: w.me.token(
        tenant_id=[w.me.tenant, w.stranger.tenant]
    ),
    "aud listing ours": lambda w: w.me.token(aud=["noctis-services"]),
    "aud of operators": lambda w: w.me.token(aud="noctis-operators"),
    "iss in other case": lambda w: w.me.token(iss="Noctis"),
    "claims empty": lambda w: claimed(w.me, b"{}"),
    "exp distant": lambda w: w.me.token(exp=now() + 90_000),
    "exp distant and a fraction": lambda w: w.me.token(exp=now() + 90_000.5),
    "exp in milliseconds": lambda w: w.me.token(exp=(now() + 600) * 1000),
    "exp negative": lambda w: w.me.token(exp=-1),
    "exp a string": lambda w: w.me.token(exp=str(now() + 600)),
    "exp a date": lambda w: w.me.token(exp="2999-01-01T00:00:00Z"),
    "exp 1e400": lambda w: spelt(w.me, "exp", "1e400"),
    "exp -1e400": lambda w: spelt(w.me, "exp", "-1e400"),
    "exp Infinity": lambda w: spelt(w.me, "exp", "Infinity"),
    "exp NaN": lambda w: spelt(w.me, "exp", "NaN"),
    "exp true": lambda w: w.me.token(exp=True),
    "exp null": lambda w: w.me.token(exp=None),
    "exp a list": lambda w: w.me.token(exp=[now() + 600]),
    "exp huge": lambda w: w.me.token(exp=10**30),
    "exp of a thousand digits": lambda w: spelt(w.me, "exp", "9" * 1000),
    "nbf in the future": lambda w: w.me.token(nbf=now() + 300),
    "nbf a string": lambda w: w.me.token(nbf=str(now())),
    "nbf null": lambda w: w.me.token(nbf=None),
    "nbf 1e400": lambda w: spelt(w.me, "nbf", "1e400"),
    "iat in the future": lambda w: w.me.token(iat=now() + 300),
    "iat a string": lambda w: w.me.token(iat="now"),
    "iat true": lambda w: w.me.token(iat=True),
    "iat NaN": lambda w: spelt(w.me, "iat", "NaN"),
    "jti a number": lambda w: w.me.token(jti=7),
    "claim given twice": lambda w: claimed(
        w.me, json.dumps(w.me.claims())[:-1].encode() + b', "exp": 1}'
    ),
    "nested claim given twice": lambda w: spelt(w.me, "note", '{"a": 1, "a": 2}'),
    "claims deeply nested": lambda w: spelt(w.me, "note", nested(900).decode()),
    "claims nested to the brink": lambda w: spelt(w.me, "note", nested(1400).decode()),
}

SEGMENTS: dict[str, Attack] = {
    "a word": lambda _: "token",
    "only dots": lambda _: "..",
    "two segments": lambda w: w.me.token().rpartition(".")[0],
    "empty signature": lambda w: w.me.token().rpartition(".")[0] + ".",
    "empty header": lambda w: "." + w.me.token().partition(".")[2],
    "empty payload": lambda w: (
        with_signature(w.me.token(), "").replace(parts(w.me.token())[1], "") + "x"
    ),
    "a fourth segment": lambda w: w.me.token() + ".e30",
    "a trailing dot": lambda w: w.me.token() + ".",
    "a leading dot": lambda w: "." + w.me.token(),
    "five segments": lambda w: w.me.token() + "." + ".".join(parts(w.me.token())[:2]),
    "a JWE": lambda _: ".".join(
        [segment({"alg": "dir", "enc": "A256GCM"}), "", b64(bytes(12)), b64(b"x"), b64(bytes(16))]
    ),
    "JSON serialisation": lambda w: json.dumps({"payload": parts(w.me.token())[1]}),
    "signature truncated": lambda w: w.me.token()[:-4],
    "signature extended": lambda w: w.me.token() + "AAAA",
    "signature flipped": lambda w: with_signature(w.me.token(), b64(bytes(32))),
    "a blank inside": lambda w: w.me.token().replace(".", ". ", 1),
    "a newline inside": lambda w: w.me.token().replace(".", ".\n", 1),
    "a tab at a segment's end": lambda w: w.me.token().replace(".", "\t.", 1),
    "a newline in the signature": lambda w: w.me.token()[:-4] + "\n" + w.me.token()[-4:],
    "NUL inside": lambda w: w.me.token().replace(".", ".\x00", 1),
    "not ASCII": lambda w: w.me.token() + "é",
    "quoted": lambda w: f'"{w.me.token()}"',
    "header padded": lambda w: w.me.signed(filled(padded(w.me.header())), segment(w.me.claims())),
    "claims padded": lambda w: w.me.signed(segment(w.me.header()), filled(padded(w.me.claims()))),
    "signature padded": lambda w: w.me.token() + "=",
    "header with unused bits": lambda w: w.me.signed(
        loosened(segment(padded(w.me.header()))), segment(w.me.claims())
    ),
    "claims with unused bits": lambda w: w.me.signed(
        segment(w.me.header()), loosened(segment(padded(w.me.claims())))
    ),
    "signature with unused bits": lambda w: loosely_signed(w.me.token()),
    "claims in the standard alphabet": lambda w: w.me.signed(
        segment(w.me.header()), standard(segment(w.me.claims(note="???>>>???")))
    ),
    "signature in the standard alphabet": lambda w: standard_signature(w.me),
    "oversized": lambda w: w.me.token(note="x" * 5000),
    "enormous": lambda _: "A" * 60_000,
    "many dots": lambda _: "." * 4000,
}


HEADERS: dict[str, Attack] = {
    f"header {name}": lambda w, name=name, value=value: w.me.headed(**{name: value})
    for name, value in {
        "jku": "https://example.invalid/keys.json",
        "jwk": {"kty": "oct", "k": "c2VjcmV0"},
        "x5u": "https://example.invalid/cert.pem",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "cty": "JWT",
        "enc": "A256GCM",
        "p2c": 10**9,
        "typ": "JWE",
    }.items()
} | {
    "typ in lower case": lambda w: w.me.headed(typ="jwt"),
    "typ a list": lambda w: w.me.headed(typ=["JWT"]),
    "alg given twice": lambda w: headed_by(
        w.me, b'{"alg": "none", ' + json.dumps(w.me.header())[1:].encode()
    ),
    "kid given twice": lambda w: headed_by(
        w.me, json.dumps(w.me.header())[:-1].encode() + b', "kid": "k_other"}'
    ),
    "header a list": lambda w: headed_by(w.me, b'["alg", "HS256"]'),
    "header a string": lambda w: headed_by(w.me, b'"HS256"'),
    "header null": lambda w: headed_by(w.me, b"null"),
    "header empty": lambda w: headed_by(w.me, b"{}"),
    "header not JSON": lambda w: headed_by(w.me, b"alg=HS256"),
    "header with a tail": lambda w: headed_by(w.me, json.dumps(w.me.header()).encode() + b"{}"),
    "header not UTF-8": lambda w: headed_by(w.me, b'{"alg": "\xff\xfe"}'),
    "header in UTF-16": lambda w: headed_by(w.me, json.dumps(w.me.header()).encode("utf-16")),
    "header with a byte order mark": lambda w: headed_by(
        w.me, json.dumps(w.me.header()).encode("utf-8-sig")
    ),
    "header deeply nested": lambda w: headed_by(w.me, nested(1400)),
    "claims a list": lambda w: claimed(w.me, b"[]"),
    "claims a number": lambda w: claimed(w.me, b"1"),
    "claims not JSON": lambda w: claimed(w.me, b"sub=me"),
    "claims not UTF-8": lambda w: claimed(w.me, b'{"sub": "\xc3\x28"}'),
    "claims in UTF-32": lambda w: claimed(w.me, json.dumps(w.me.claims()).encode("utf-32")),
}

OPERATORS: dict[str, Attack] = {
    "refresh token for access": lambda w: w.pair.refresh,
    "service claims without a kid": lambda w: operators_own(w, aud="noctis-services"),
    "operator's claims without a kid, my secret": lambda w: operators_own(w),
    "operator's token with my kid": lambda w: ".".join(
        [segment(w.me.header()), *parts(w.pair.access)[1:]]
    ),
    "operator's claims under my key": lambda w: w.me.signed(
        segment(w.me.header()), parts(w.pair.access)[1]
    ),
    "operator's token without signature": lambda w: unsigned_access(w, ""),
    "operator's token with alg none": lambda w: unsigned_access(w, "c2lnbmVk"),
    "operator's token, HMAC with an empty secret": lambda w: access_by(w, "HS256"),
    "operator's token, HS512": lambda w: access_by(w, "HS512"),
    "operator's token at the services' audience": lambda w: w.me.token(
        aud="noctis-services", token_type="access", jti=uuid4().hex, iss="noctis-operators"
    ),
    "my token at the operators' audience": lambda w: w.me.token(
        aud="noctis-operators", token_type="access", jti=uuid4().hex
    ),
}


FORGERIES = ALGORITHMS | KEYS | CLAIMS | SEGMENTS | HEADERS | OPERATORS
