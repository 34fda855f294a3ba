// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Coin} from "../src/Coin.sol";

/// The words of forge's virtual machine that this test uses.
interface Vm {
    function envAddress(string calldata name) external view returns (address);
    function prank(address caller) external;
    function expectRevert(bytes calldata data) external;
}

/// A test on a fork: the contract stands on the node, what the test does to it stays here.
contract ForkTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Coin private coin;
    address private owner;

    function setUp() external {
        coin = Coin(vm.envAddress("COIN"));
        owner = vm.envAddress("OWNER");
    }

    function testReadsWhatStandsOnTheNode() external view {
        require(coin.cap() == 1_000_000, "the cap");
        require(coin.hasRole(coin.MINTER_ROLE(), owner), "the minter");
    }

    function testWritesOnTheForkAlone() external {
        uint256 before = coin.totalSupply();
        vm.prank(owner);
        coin.mint(address(this), 5);
        require(coin.balanceOf(address(this)) == 5 && coin.totalSupply() == before + 5, "the mint");
    }

    function testRefusesTooMuch() external {
        uint256 left = coin.cap() - coin.totalSupply();
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Coin.CapExceeded.selector, left + 1, left));
        coin.mint(address(this), left + 1);
    }
}
