// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Coin} from "../src/Coin.sol";
import {Delegate, VaultFactory} from "../src/Tools.sol";

/// The words of forge's virtual machine that this script uses.
interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// Deploys three contracts and uses them, each step a transaction of its own.
contract Deploy {
    bool public IS_SCRIPT = true;
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function run() external returns (uint256 balance, uint256 number) {
        address friend = 0x90F79bf6EB2c4f870365E785982E1f101E93b906;
        vm.startBroadcast();
        Coin coin = new Coin(1_000);
        coin.mint(friend, 250);
        new Delegate();
        VaultFactory vaults = new VaultFactory();
        number = vaults.create(keccak256("forge"), friend, 77).number();
        vm.stopBroadcast();
        balance = coin.balanceOf(friend);
    }
}
