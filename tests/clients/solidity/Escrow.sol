// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// Keeps amounts of any ERC-20 for their payees until the payer lets go.
contract Escrow {
    using SafeERC20 for IERC20;

    IERC20 public immutable token;
    mapping(address payer => mapping(address payee => uint256)) public kept;

    event Kept(address indexed payer, address indexed payee, uint256 amount);
    event Released(address indexed payer, address indexed payee, uint256 amount);
    error NothingKept(address payer, address payee);

    constructor(IERC20 token_) {
        token = token_;
    }

    function keep(address payee, uint256 amount) external {
        kept[msg.sender][payee] += amount;
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit Kept(msg.sender, payee, amount);
    }

    function release(address payee) external {
        uint256 amount = kept[msg.sender][payee];
        if (amount == 0) revert NothingKept(msg.sender, payee);
        delete kept[msg.sender][payee];
        token.safeTransfer(payee, amount);
        emit Released(msg.sender, payee, amount);
    }

    /// Pays nobody: whatever the first payment did is undone with the second.
    function payTwice(address payee, uint256 first, uint256 second) external {
        token.safeTransferFrom(msg.sender, payee, first);
        token.safeTransferFrom(msg.sender, payee, second);
    }

    /// Pays what it can: a failed payment is caught and undone alone.
    function payEach(address payee, uint256[] calldata amounts) external returns (uint256 paid) {
        for (uint256 index = 0; index < amounts.length; ++index) {
            try token.transferFrom(msg.sender, payee, amounts[index]) {
                ++paid;
            } catch {}
        }
    }

    function holdings() external view returns (uint256) {
        return token.balanceOf(address(this));
    }
}
