"""What MTProto asks of a server in numbers: RSA, Diffie-Hellman, AES-IGE, the password check.

Throw-away keys, made anew in every run. Knows no connection and no method.
"""

from __future__ import annotations

import hashlib
import os
import random
import struct
from functools import cached_property
from hashlib import sha1, sha256

import rsa
from telethon.crypto import AES
from telethon.network.mtprotostate import MTProtoState
from telethon.tl import TLObject, types

PRIME = int(
    "C71CAEB9C6B1C9048E6C522F70F13F73980D40238E3E21C14934D037563D930F"
    "48198A0AA7C14058229493D22530F4DBFA336F6E0AC925139543AED44CCE7C37"
    "20FD51F69458705AC68CD4FE6B6B13ABDC9746512969328454F18FAF8C595F64"
    "2477FE96BB2A941D5BCD1D4AC8CC49880708FA9B378E3C4F3A9060BEE67CF9A4"
    "A4A695811051907E162753B56B0F6B410DBA74D8A84B2A14B3144E0EF1284754"
    "FD17ED950D5965B4B9DD46582DB1178D169C6BC465B0D6FF9CA3928FEF5B9AE4"
    "E418FC15E83EBEA0F87FA9FF5EED70050DED2849F47BF959D956850CE929851F"
    "0D8115F635B105EE2E4E15D04B2454BF6F4FADF034B10403119CD8E3B92FCC5B",
    16,
)
"""Telegram's own; Telethon takes it without checking that it is prime, with G of 3."""
G = 3


def _prime(bits: int) -> int:
    small = [p for p in range(3, 2000, 2) if all(p % d for d in range(3, int(p**0.5) + 1, 2))]
    draw = random.SystemRandom()
    while True:
        number = draw.getrandbits(bits) | (3 << (bits - 2)) | 1
        if all(number % p for p in small) and pow(2, number - 1, number) == 1:
            return number


class RsaKey:
    """The server's key; `pem` is what a client needs of it."""

    def __init__(self) -> None:
        self.e = 65537
        p, q = _prime(1024), _prime(1024)
        self.n = p * q
        self._d = pow(self.e, -1, (p - 1) * (q - 1))

    @cached_property
    def pem(self) -> str:
        text: bytes = rsa.PublicKey(self.n, self.e).save_pkcs1()
        return text.decode()

    @cached_property
    def fingerprint(self) -> int:
        n = TLObject.serialize_bytes(self.n.to_bytes(256, "big"))
        e = TLObject.serialize_bytes(self.e.to_bytes(3, "big"))
        number: int = struct.unpack("<q", sha1(n + e).digest()[-8:])[0]
        return number

    def decrypt(self, data: bytes) -> bytes:
        """Return the 255 bytes: sha1(data), data, padding."""
        return pow(int.from_bytes(data, "big"), self._d, self.n).to_bytes(256, "big")[1:]


def small_primes() -> tuple[int, int]:
    """Return two 15-bit primes: their product is factored at once."""
    primes = [p for p in range(16385, 32767, 2) if all(p % d for d in range(3, 182, 2))]
    p, q = random.sample(primes, 2)
    return min(p, q), max(p, q)


def encrypt(key: bytes, plain: bytes) -> bytes:
    """Return an encrypted message to the client: key id, message key, data."""
    padded = plain + os.urandom(12 + (-len(plain) - 12) % 16)
    msg_key = sha256(key[96:128] + padded).digest()[8:24]
    aes_key, aes_iv = MTProtoState._calc_key(key, msg_key, client=False)
    data: bytes = AES.encrypt_ige(padded, aes_key, aes_iv)
    return key_id(key) + msg_key + data


def decrypt(key: bytes, data: bytes) -> bytes:
    """Return the plain text of what a client sent (after the key id)."""
    aes_key, aes_iv = MTProtoState._calc_key(key, data[:16], client=True)
    plain: bytes = AES.decrypt_ige(data[16:], aes_key, aes_iv)
    return plain


def key_id(key: bytes) -> bytes:
    return sha1(key).digest()[12:20]


class Password:
    """A cloud password: what the server keeps of it, and one check (SRP)."""

    def __init__(self, password: str, hint: str = "") -> None:
        self.algo = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
            salt1=os.urandom(8), salt2=os.urandom(8), g=G, p=PRIME.to_bytes(256, "big")
        )
        self._hint = hint
        salt1, salt2 = self.algo.salt1, self.algo.salt2
        first = sha256(salt1 + password.encode() + salt1).digest()
        second = sha256(salt2 + first + salt2).digest()
        third = hashlib.pbkdf2_hmac("sha512", second, salt1, 100000)
        x = int.from_bytes(sha256(salt2 + third + salt2).digest(), "big")
        self._v = pow(G, x, PRIME)
        self._b = 0
        self._big_b = 0

    def ask(self) -> types.account.Password:
        self._b = int.from_bytes(os.urandom(256), "big")
        k = int.from_bytes(sha256(_wide(PRIME) + _wide(G)).digest(), "big")
        self._big_b = (k * self._v + pow(G, self._b, PRIME)) % PRIME
        return types.account.Password(
            new_algo=self.algo,
            new_secure_algo=types.SecurePasswordKdfAlgoUnknown(),
            secure_random=os.urandom(16),
            has_password=True,
            current_algo=self.algo,
            srp_B=_wide(self._big_b),
            srp_id=7,
            hint=self._hint,
        )

    def is_right(self, check: types.InputCheckPasswordSRP) -> bool:
        a = int.from_bytes(check.A, "big")
        u = int.from_bytes(sha256(_wide(a) + _wide(self._big_b)).digest(), "big")
        secret = pow(a * pow(self._v, u, PRIME), self._b, PRIME)
        k = sha256(_wide(secret)).digest()
        both = zip(sha256(_wide(PRIME)).digest(), sha256(_wide(G)).digest(), strict=True)
        expected = sha256(
            bytes(x ^ y for x, y in both)
            + sha256(self.algo.salt1).digest()
            + sha256(self.algo.salt2).digest()
            + _wide(a)
            + _wide(self._big_b)
            + k
        ).digest()
        return bool(check.M1 == expected)


def _wide(number: int) -> bytes:
    return number.to_bytes(256, "big")
