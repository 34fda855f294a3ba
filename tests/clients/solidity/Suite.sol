// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

/// Titles to things.
contract Deeds is ERC721 {
    constructor() ERC721("Deeds", "DEED") {}

    function safeMint(address to, uint256 id) external {
        _safeMint(to, id);
    }

    function burn(uint256 id) external {
        _update(address(0), id, _msgSender());
    }
}

/// Takes titles only when told to.
contract Keeper is IERC721Receiver {
    bool public immutable willing;

    constructor(bool willing_) {
        willing = willing_;
    }

    function onERC721Received(address, address, uint256, bytes calldata) external view returns (bytes4) {
        return willing ? IERC721Receiver.onERC721Received.selector : bytes4(0);
    }
}

/// Many kinds of things in one contract.
contract Baskets is ERC1155 {
    constructor() ERC1155("things/{id}.json") {}

    function mintBatch(address to, uint256[] calldata ids, uint256[] calldata amounts) external {
        _mintBatch(to, ids, amounts, "");
    }
}

/// A token that counts as votes from the block after it is delegated.
contract VotesCoin is ERC20, ERC20Permit, ERC20Votes {
    constructor(address holder) ERC20("Votes", "VOT") ERC20Permit("Votes") {
        _mint(holder, 1_000);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }
}

/// Decides by votes and acts through a timelock.
contract Council is Governor, GovernorSettings, GovernorCountingSimple, GovernorVotes, GovernorTimelockControl {
    constructor(IVotes token, TimelockController timelock)
        Governor("Council")
        GovernorSettings(1, 3, 0)
        GovernorVotes(token)
        GovernorTimelockControl(timelock)
    {}

    function quorum(uint256) public pure override returns (uint256) {
        return 500;
    }

    function state(uint256 id) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(id);
    }

    function proposalNeedsQueuing(uint256 id)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(id);
    }

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function _queueOperations(
        uint256 id,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(id, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 id,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(id, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}

/// A number that only the governor of the contract sets.
contract Setting is AccessControl {
    uint256 public value;

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    function set(uint256 value_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        value = value_;
    }
}

/// The first of two versions behind one proxy.
contract CounterOne is Initializable, UUPSUpgradeable {
    address public owner;
    uint256 public count;

    error NotTheOwner(address caller);

    constructor() {
        _disableInitializers();
    }

    function initialize(address owner_) external initializer {
        owner = owner_;
    }

    function add() external virtual {
        count += 1;
    }

    function version() external pure virtual returns (string memory) {
        return "one";
    }

    function _authorizeUpgrade(address) internal view override {
        if (msg.sender != owner) revert NotTheOwner(msg.sender);
    }
}

/// The second version: counts by ten.
contract CounterTwo is CounterOne {
    function add() external override {
        count += 10;
    }

    function version() external pure override returns (string memory) {
        return "two";
    }
}

/// Makes the proxies, so that the tests need no other source of their creation code.
contract Proxies {
    event Made(address indexed instance);

    function proxy(address implementation, bytes calldata call) external {
        emit Made(address(new ERC1967Proxy(implementation, call)));
    }

    function clone(address implementation) external {
        emit Made(Clones.clone(implementation));
    }

    function cloneAt(address implementation, bytes32 salt) external {
        emit Made(Clones.cloneDeterministic(implementation, salt));
    }

    function predictClone(address implementation, bytes32 salt) external view returns (address) {
        return Clones.predictDeterministicAddress(implementation, salt);
    }

    function create(bytes32 salt, bytes calldata code) external {
        emit Made(Create2.deploy(0, salt, code));
    }

    function predict(bytes32 salt, bytes32 codeHash) external view returns (address) {
        return Create2.computeAddress(salt, codeHash);
    }
}

/// The cryptographic helpers, as functions that can be asked.
contract Cryptography is EIP712 {
    bytes32 private constant MAIL = keccak256("Mail(address to,string text)");

    constructor() EIP712("Cryptography", "1") {}

    function recover(bytes32 digest, bytes calldata signature) external pure returns (address) {
        return ECDSA.recover(digest, signature);
    }

    function mailSigner(address to, string calldata text, bytes calldata signature) external view returns (address) {
        return ECDSA.recover(_hashTypedDataV4(keccak256(abi.encode(MAIL, to, keccak256(bytes(text))))), signature);
    }

    function isMember(bytes32[] calldata proof, bytes32 root, bytes32 leaf) external pure returns (bool) {
        return MerkleProof.verifyCalldata(proof, root, leaf);
    }

    function verifyP256(bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y) external view returns (bool) {
        return P256.verify(digest, r, s, x, y);
    }

    function verifyP256InSolidity(bytes32 digest, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        external
        view
        returns (bool)
    {
        return P256.verifySolidity(digest, r, s, x, y);
    }
}
