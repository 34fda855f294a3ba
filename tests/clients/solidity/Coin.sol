// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// A token as a developer writes one: roles, permits, and every way a call can fail.
contract Coin is ERC20, ERC20Permit, AccessControl {
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    uint256 public immutable cap;

    event Noted(address indexed author, string indexed topic, string text);
    error CapExceeded(uint256 asked, uint256 left);

    constructor(uint256 cap_) ERC20("Test Coin", "TCN") ERC20Permit("Test Coin") {
        cap = cap_;
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(MINTER_ROLE, msg.sender);
    }

    function mint(address to, uint256 amount) external onlyRole(MINTER_ROLE) {
        uint256 left = cap - totalSupply();
        if (amount > left) revert CapExceeded(amount, left);
        _mint(to, amount);
    }

    function note(string calldata topic, string calldata text) external {
        emit Noted(msg.sender, topic, text);
    }

    function failWithWords() external pure {
        require(false, "these are the words");
    }

    function failWithPanic(uint256 divisor) external pure returns (uint256) {
        return 1 / divisor;
    }

    function failInSilence() external pure {
        revert();
    }

    function failByInvalid() external pure {
        assembly {
            invalid()
        }
    }
}
