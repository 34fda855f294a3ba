// EIP-1898
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x5d5c99edf529335160ff180fa141dd4967fc00d2",{"blockHash":"0x44136f822d4986a9dbd986deecb21724191d64964d0d29dc9346ca58170e4eac","requireCanonical":true}]}
<< {"jsonrpc":"2.0","id":1,"result":"0xde0b6b3a7640000"}
