// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Something small to be created at an address known before.
contract Vault {
    uint256 public number;
    address public immutable owner;

    error NotTheOwner(address caller);

    constructor(address owner_, uint256 number_) {
        owner = owner_;
        number = number_;
    }

    function put(uint256 number_) external {
        if (msg.sender != owner) revert NotTheOwner(msg.sender);
        number = number_;
    }
}

/// Creates vaults where CREATE2 says.
contract VaultFactory {
    event Created(address indexed vault, bytes32 indexed salt);

    function create(bytes32 salt, address owner, uint256 number) external returns (Vault vault) {
        vault = new Vault{salt: salt}(owner, number);
        emit Created(address(vault), salt);
    }

    function initCodeHash(address owner, uint256 number) external pure returns (bytes32) {
        return keccak256(abi.encodePacked(type(Vault).creationCode, abi.encode(owner, number)));
    }
}

/// Many calls in one, with the interface that client libraries know.
contract Multicall {
    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    error CallFailed(uint256 index);

    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 index = 0; index < calls.length; ++index) {
            (bool success, bytes memory returned) = calls[index].target.call(calls[index].callData);
            if (!success && !calls[index].allowFailure) revert CallFailed(index);
            results[index] = Result(success, returned);
        }
    }
}

/// Code that an account lends itself by EIP-7702: many calls in the account's own name.
contract Delegate {
    struct Call {
        address target;
        bytes data;
    }

    event Executed(address indexed account, uint256 count);
    error OnlyTheAccountItself(address caller);

    function execute(Call[] calldata calls) external {
        if (msg.sender != address(this)) revert OnlyTheAccountItself(msg.sender);
        for (uint256 index = 0; index < calls.length; ++index) {
            (bool success, bytes memory returned) = calls[index].target.call(calls[index].data);
            if (!success) {
                assembly {
                    revert(add(returned, 32), mload(returned))
                }
            }
        }
        emit Executed(address(this), calls.length);
    }
}

/// What contracts see of the block and the transaction, and the precompiled contracts.
contract Surroundings {
    mapping(uint256 => uint256) public slots;
    uint256 transient passing;

    function write(uint256 slot, uint256 value) external {
        slots[slot] = value;
    }

    function chain() external view returns (uint256 id, uint256 baseFee, uint256 blobBaseFee, uint256 gasPrice) {
        return (block.chainid, block.basefee, block.blobbasefee, tx.gasprice);
    }

    function heights() external view returns (uint256 number, bool parentKnown, bool oldUnknown) {
        number = block.number;
        parentKnown = blockhash(block.number - 1) != bytes32(0);
        oldUnknown = block.number <= 300 || blockhash(block.number - 300) == bytes32(0);
    }

    function keepForAWhile(uint256 value) external returns (uint256) {
        passing = value;
        return passing + 1;
    }

    function precompiled(address target, bytes calldata input) external view returns (bool ok, bytes memory output) {
        return target.staticcall(input);
    }

    function burnGas(uint256 rounds) external pure returns (uint256 sum) {
        for (uint256 round = 0; round < rounds; ++round) {
            sum += uint256(keccak256(abi.encode(round, sum))) % 1000;
        }
    }
}
