// accounts have none
>> {"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":["0x5d5c99edf529335160ff180fa141dd4967fc00d2","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x"}
