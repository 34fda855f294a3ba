// a slot as 32 bytes
>> {"jsonrpc":"2.0","id":1,"method":"eth_getStorageAt","params":["0x5cee100000000000000000000000000000000001","0x0","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x0000000000000000000000000000000000000000000000000000000000000200"}
