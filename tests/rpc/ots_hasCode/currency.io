// system contracts have code, too
>> {"jsonrpc":"2.0","id":1,"method":"ots_hasCode","params":["0x5cee100000000000000000000000000000000001","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":true}
