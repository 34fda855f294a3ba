# pragma version 0.4.3
# pragma evm-version prague
# pragma nonreentrancy on
"""
@title HashedTimelock
@license Apache-2.0
@notice Money that whoever knows a secret brings to the payee, and that otherwise returns to the payer: one half of a
        swap whose other half is on another ledger.
@dev Nobody has privileges. The secret has 32 bytes on both ledgers, so none of them can be shown one that the other
     does not accept. A claim in time decides for good: if the token refuses the payment just then, because the
     currency is paused or the payee is suspended, the payee is owed it, although the secret is public from then on.
"""

import custody

initializes: custody
exports: (custody.owedTo, custody.withdraw)

# error UnknownLock(uint256 lockId)
#   No lock has this number.
# error InvalidPayee(address payee)
#   The payee cannot be the zero address or this contract.
# error InvalidAmount(uint256 amount)
#   The amount is at least one minor unit.
# error InvalidAlgorithm(uint8 algorithm)
#   The digest is SHA-256 (1) or keccak-256 (2).
# error InvalidExpiry(uint64 expiresAt, uint64 now, uint64 latest)
#   The expiry, in seconds, is after now and not later than ten years from now.
# error LockEnded(uint256 lockId, uint8 state)
#   The lock was claimed (2) or returned (3) before.
# error LockExpired(uint256 lockId, uint64 expiresAt, uint64 now)
#   A claim came after the expiry; the money returns to the payer.
# error LockNotExpired(uint256 lockId, uint64 expiresAt, uint64 now)
#   Until the expiry only the payee can give the money back.
# error WrongSecret(uint256 lockId, bytes32 digest)
#   The digest of the secret is another one.
# error CallerIsNotPayee(address caller, address payee)
#   Only the payee can decline.

event Locked:
    # The payer locked an amount, in minor units, for whoever knows the secret behind the digest; memo is the swap's
    # reference.
    lockId: indexed(uint256)
    payer: indexed(address)
    payee: indexed(address)
    token: address
    amount: uint256
    digest: bytes32
    algorithm: uint8
    expiresAt: uint64
    memo: bytes32

event Claimed:
    # The secret was shown in time: the payee is paid, or owed.
    lockId: indexed(uint256)
    secret: bytes32

event Returned:
    # The lock ended without a claim: the payer is paid back, or owed.
    lockId: indexed(uint256)

struct Lock:
    payer: address
    payee: address
    token: address
    amount: uint256
    digest: bytes32
    algorithm: uint8
    expiresAt: uint64
    state: uint8

SHA256: constant(uint8) = 1
KECCAK256: constant(uint8) = 2

LOCKED: constant(uint8) = 1
CLAIMED: constant(uint8) = 2
RETURNED: constant(uint8) = 3

LOCK_SECONDS_MAX: constant(uint64) = 10 * 366 * 86_400  # ten years; an instant in milliseconds is refused by it

_locks: HashMap[uint256, Lock]
_lock_count: uint256


@external
def lock(
    token: address,
    payee: address,
    amount: uint256,
    digest: bytes32,
    algorithm: uint8,
    expiresAt: uint64,
    memo: bytes32,
) -> uint256:
    """
    @notice Lock the caller's money; the contract needs an allowance for it.
    @dev Reverts with InvalidPayee, InvalidAmount, InvalidAlgorithm, InvalidExpiry, NoTokenHere, TransferRefused,
         AmountChanged, or the token's own reason.
    @param token Which token.
    @param payee Who is paid if the secret is shown in time.
    @param amount In minor units.
    @param digest Digest of the secret.
    @param algorithm 1 for SHA-256, 2 for keccak-256.
    @param expiresAt Last second in which the secret counts.
    @param memo The swap's reference.
    @return Number of the lock.
    """
    if payee == empty(address) or payee == self:
        raw_revert(abi_encode(payee, method_id=method_id("InvalidPayee(address)")))
    if amount == 0:
        raw_revert(abi_encode(amount, method_id=method_id("InvalidAmount(uint256)")))
    if algorithm != SHA256 and algorithm != KECCAK256:
        raw_revert(abi_encode(algorithm, method_id=method_id("InvalidAlgorithm(uint8)")))
    now: uint64 = self._now()
    if expiresAt <= now or expiresAt > now + LOCK_SECONDS_MAX:
        raw_revert(
            abi_encode(expiresAt, now, now + LOCK_SECONDS_MAX, method_id=method_id("InvalidExpiry(uint64,uint64,uint64)"))
        )
    custody._take(token, msg.sender, amount)
    self._lock_count += 1
    lock_id: uint256 = self._lock_count
    self._locks[lock_id] = Lock(
        payer=msg.sender,
        payee=payee,
        token=token,
        amount=amount,
        digest=digest,
        algorithm=algorithm,
        expiresAt=expiresAt,
        state=LOCKED,
    )
    log Locked(
        lockId=lock_id,
        payer=msg.sender,
        payee=payee,
        token=token,
        amount=amount,
        digest=digest,
        algorithm=algorithm,
        expiresAt=expiresAt,
        memo=memo,
    )
    return lock_id


@external
def claim(lockId: uint256, secret: bytes32):
    """
    @notice Show the secret and pay the payee. Anybody may call this: it pays nobody else.
    @dev Reverts with UnknownLock, LockEnded, LockExpired, WrongSecret, AmountChanged.
    @param lockId Number of the lock.
    @param secret The 32 bytes whose digest the lock has.
    """
    held: Lock = self._open_lock(lockId)
    now: uint64 = self._now()
    if now > held.expiresAt:
        raw_revert(abi_encode(lockId, held.expiresAt, now, method_id=method_id("LockExpired(uint256,uint64,uint64)")))
    digest: bytes32 = keccak256(secret)
    if held.algorithm == SHA256:
        digest = sha256(secret)
    if digest != held.digest:
        raw_revert(abi_encode(lockId, held.digest, method_id=method_id("WrongSecret(uint256,bytes32)")))
    self._locks[lockId].state = CLAIMED
    log Claimed(lockId=lockId, secret=secret)
    custody._pay_or_owe(held.token, held.payee, held.amount)


@external
def refund(lockId: uint256):
    """
    @notice Return the money to the payer after the expiry. Anybody may call this: it pays nobody else.
    @dev Reverts with UnknownLock, LockEnded, LockNotExpired, AmountChanged.
    @param lockId Number of the lock.
    """
    held: Lock = self._open_lock(lockId)
    now: uint64 = self._now()
    if now <= held.expiresAt:
        raw_revert(abi_encode(lockId, held.expiresAt, now, method_id=method_id("LockNotExpired(uint256,uint64,uint64)")))
    self._give_back(lockId, held)


@external
def decline(lockId: uint256):
    """
    @notice Return the money to the payer at once; the payee's call.
    @dev Reverts with UnknownLock, LockEnded, CallerIsNotPayee, AmountChanged.
    @param lockId Number of the lock.
    """
    held: Lock = self._open_lock(lockId)
    if msg.sender != held.payee:
        raw_revert(abi_encode(msg.sender, held.payee, method_id=method_id("CallerIsNotPayee(address,address)")))
    self._give_back(lockId, held)


@external
@view
def lockOf(lockId: uint256) -> Lock:
    """
    @notice What a lock says and what became of it.
    @dev Reverts with UnknownLock.
    @param lockId Number of the lock.
    @return Its terms; the state is 1 locked, 2 claimed, 3 returned.
    """
    return self._known_lock(lockId)


@internal
def _give_back(lock_id: uint256, held: Lock):
    self._locks[lock_id].state = RETURNED
    log Returned(lockId=lock_id)
    custody._pay_or_owe(held.token, held.payer, held.amount)


@internal
@view
def _open_lock(lock_id: uint256) -> Lock:
    held: Lock = self._known_lock(lock_id)
    if held.state != LOCKED:
        raw_revert(abi_encode(lock_id, held.state, method_id=method_id("LockEnded(uint256,uint8)")))
    return held


@internal
@view
def _known_lock(lock_id: uint256) -> Lock:
    held: Lock = self._locks[lock_id]
    if held.state == 0:
        raw_revert(abi_encode(lock_id, method_id=method_id("UnknownLock(uint256)")))
    return held


@internal
@view
def _now() -> uint64:
    return convert(block.timestamp, uint64)
