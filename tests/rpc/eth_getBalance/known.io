// the native balance
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x5d5c99edf529335160ff180fa141dd4967fc00d2","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":"0xde0b6b3a7640000"}
