// an id to ask with
>> {"jsonrpc":"2.0","id":1,"method":"eth_newFilter","params":[{"address":"0x5cee100000000000000000000000000000000001"}]}
<< {"jsonrpc":"2.0","id":1,"result":"0x80000000000000000000000000000007"}
