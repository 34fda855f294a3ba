// adds the gapless pending transactions
>> {"jsonrpc":"2.0","id":1,"method":"eth_getTransactionCount","params":["0x5d5c99edf529335160ff180fa141dd4967fc00d2","pending"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x5"}
