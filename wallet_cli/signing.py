"""The eth-account door: encrypt and open keystores, mnemonics, and sign transactions and structs.

The only module that holds a private key, for as long as one call lasts.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account import Account as EthAccount
from eth_account.messages import SignableMessage, encode_defunct, encode_typed_data
from eth_keys.exceptions import BadSignature

from consensus.chain.transaction import decode_transaction, recover_sender
from consensus.primitives.scalars import ZERO_ADDRESS, Address, Hash32
from consensus.primitives.signatures import SECP256K1_ORDER, address_of_private_key
from wallet_cli.addresses import checksum_address
from wallet_cli.errors import PasswordWrong, ProofInvalid, UsageRefused
from wallet_cli.keystore import (
    KDF_WORK_DEVELOPMENT,
    KDF_WORK_STANDARD,
    Account,
    encode_keystore,
    load_keystore,
    save_keystore,
)
from wallet_cli.passwords import PasswordSource, read_password
from wallet_cli.typed_structs import TypedStruct

MNEMONIC_WORDS: Final = 24
DERIVATION_PATH: Final = "m/44'/60'/0'/0/{index}"
"""BIP-44 for Ethereum accounts: other wallets derive the same address from the same words."""

LOCK_KEY_PATH: Final = "m/44'/60'/0'/7/{number}"
"""Device keys of locks: a branch that no wallet uses for accounts."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction as it will be sent, again and again if need be."""

    raw: bytes
    hash: Hash32
    sender: Address
    nonce: int


def new_mnemonic(passphrase: str) -> tuple[str, bytes]:
    """Return 24 fresh words and the private key of their first account with a passphrase or "" (BIP-39, BIP-44)."""
    EthAccount.enable_unaudited_hdwallet_features()
    account, words = EthAccount.create_with_mnemonic(passphrase=passphrase, num_words=MNEMONIC_WORDS)
    return str(words), bytes(account.key)


def parse_secret(text: str, *, index: int = 0, passphrase: str = "") -> bytes:
    """Return the private key in `text`: 64 hexadecimal digits, or the words of a mnemonic.

    Raises: UsageRefused, which never repeats the text.
    """
    words = text.split()
    if len(words) > 1:
        return derive_key(" ".join(words), DERIVATION_PATH.format(index=index), passphrase=passphrase)
    if passphrase:
        raise _bad_secret("a passphrase belongs to the words of a mnemonic, and these are none")
    digits = "".join(words).removeprefix("0x")
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        raise _bad_secret("it is neither hexadecimal nor several words") from None
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
        raise _bad_secret(f"{len(key)} bytes that are no private key; 32 below the group order are")
    return key


def derive_key(mnemonic: str, path: str, *, passphrase: str = "") -> bytes:
    """Return the private key at `path`, such as `m/44'/60'/0'/0/0`, of the words of a mnemonic (BIP-39, BIP-44).

    Raises: UsageRefused, which never repeats the words.
    """
    EthAccount.enable_unaudited_hdwallet_features()
    try:
        return bytes(EthAccount.from_mnemonic(mnemonic, passphrase=passphrase, account_path=path).key)
    except Exception as error:
        count = len(mnemonic.split())
        raise _bad_secret(f"{count} words that are no BIP-39 mnemonic: a word or the checksum is wrong") from error


def derive_lock_key(words: str, *, number: int) -> bytes:
    """Return the device key of a mnemonic's lock `number`: found again from the words alone. Source: offline.md §2."""
    return derive_key(words, LOCK_KEY_PATH.format(number=number))


def store_key(folder: Path, name: str, private_key: bytes, password: str, *, is_development: bool) -> Account:
    """Encrypt `private_key` (32 bytes) under a new name; the cheap derivation only for development keys.

    Raises: UsageRefused if the name is taken.
    """
    work = KDF_WORK_DEVELOPMENT if is_development else KDF_WORK_STANDARD
    keystore = EthAccount.encrypt(private_key, password, kdf="scrypt", iterations=work)
    address = address_of_private_key(private_key)
    assert bytes.fromhex(str(keystore["address"]).removeprefix("0x")) == address
    return save_keystore(folder, name, dict(keystore), is_development=is_development)


def encrypt_again(account: Account, private_key: bytes, source: PasswordSource) -> bytes:
    """Return an account's file with its key under the password from `source`. Raises: Declined, UsageRefused."""
    password = read_password(source, f"New password of {account.name}", is_new=True)
    work = KDF_WORK_DEVELOPMENT if account.is_development else KDF_WORK_STANDARD
    return encode_keystore(
        account.name,
        dict(EthAccount.encrypt(private_key, password, kdf="scrypt", iterations=work)),
        is_development=account.is_development,
    )


def unlock(account: Account, source: PasswordSource) -> bytes:
    """Return the private key of `account`. Raises: PasswordWrong; ProofInvalid if the file holds another key."""
    password = read_password(source, f"Password of {account.name}")
    try:
        key = bytes(EthAccount.decrypt(load_keystore(account), password))
    except (ValueError, TypeError, KeyError) as error:
        raise PasswordWrong(
            f"the password does not open {account.name}",
            why="the keystore's checksum differs",
            next_step="repeat the command with the right password",
        ) from error
    if address_of_private_key(key) != account.address:
        raise ProofInvalid(
            f"{account.path} says {checksum_address(account.address)} and holds the key of "
            f"{checksum_address(address_of_private_key(key))}",
            why="the file was changed by something else than this wallet",
            next_step=f"restore {account.path} from a backup",
            code="KEYSTORE_INVALID",
        )
    return key


def sign_call(
    private_key: bytes, *, chain_id: int, nonce: int, gas_limit: int, to: Address | None, data: bytes
) -> SignedTransaction:
    """Return the signed type 2 transaction that calls `to`, or creates a contract without it; it offers no fee."""
    fields: dict[str, object] = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas_limit,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
        "value": 0,
        "data": data,
    }
    if to is not None:
        fields["to"] = checksum_address(to)
    raw = bytes(EthAccount.sign_transaction(fields, private_key).raw_transaction)
    transaction = decode_transaction(raw)
    sender = recover_sender(transaction)
    # What another library signed is read back with the ledger's own codec before it may leave.
    assert (transaction.to, transaction.data, transaction.nonce) == (to, data, nonce)
    assert sender == address_of_private_key(private_key)
    return SignedTransaction(raw, transaction.hash, sender, nonce)


def sign_struct(private_key: bytes, struct: TypedStruct) -> bytes:
    """Return r, s and v of a struct. Source: EIP-712."""
    return bytes(EthAccount.sign_message(_signable(struct), private_key).signature)


def struct_signer(struct: TypedStruct, signature: bytes) -> Address:
    """Return who signed a struct with these 65 bytes; the zero address if nobody can have."""
    return _signer_of(_signable(struct), signature)


def sign_text(private_key: bytes, text: str) -> bytes:
    """Return r, s and v of a text. Source: EIP-191, version E."""
    return bytes(EthAccount.sign_message(encode_defunct(text=text), private_key).signature)


def text_signer(text: str, signature: bytes) -> Address:
    """Return who signed a text with these 65 bytes; the zero address if nobody can have."""
    return _signer_of(encode_defunct(text=text), signature)


def sign_document(private_key: bytes, document: dict[str, Any]) -> bytes:
    """Return r, s and v of an EIP-712 document. Raises: UsageRefused if it is none."""
    return bytes(EthAccount.sign_message(_document(document), private_key).signature)


def document_signer(document: dict[str, Any], signature: bytes) -> Address:
    """Return who signed an EIP-712 document; the zero address if nobody can have. Raises: UsageRefused."""
    return _signer_of(_document(document), signature)


def _document(document: dict[str, Any]) -> SignableMessage:
    try:
        return encode_typed_data(full_message=document)
    except Exception as error:
        # The library raises whatever a malformed document makes its parts raise.
        raise UsageRefused(
            f"this is no EIP-712 document: {error}",
            why="it needs domain, types, primaryType and message that fit each other",
            next_step="ask its author for the JSON that eth_signTypedData_v4 takes",
            code="TYPED_DATA_INVALID",
        ) from error


def _signer_of(message: SignableMessage, signature: bytes) -> Address:
    try:
        signer = EthAccount.recover_message(message, signature=signature)
    except (ValueError, BadSignature):
        return ZERO_ADDRESS
    return Address(bytes.fromhex(signer[2:]))


def _signable(struct: TypedStruct) -> SignableMessage:
    domain = {
        "name": struct.domain_name,
        "version": struct.domain_version,
        "chainId": struct.chain_id,
        "verifyingContract": checksum_address(struct.contract),
    }
    types = {struct.name: [{"type": kind, "name": name} for kind, name in struct.fields]}
    return encode_typed_data(domain, types, dict(struct.message))


def _bad_secret(detail: str) -> UsageRefused:
    return UsageRefused(
        f"what was given is no key: {detail}",
        why="a key is 64 hexadecimal digits, or 12 to 24 words",
        next_step="sycee keys import NAME --stdin < FILE",
        code="KEY_INVALID",
    )
