// no such block
>> {"jsonrpc":"2.0","id":1,"method":"ots_getBlockDetailsByHash","params":["0x1111111111111111111111111111111111111111111111111111111111111111"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
