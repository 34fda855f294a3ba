// system contracts have the code 0xfe
>> {"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":["0x5cee100000000000000000000000000000000001","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":"0xfe"}
