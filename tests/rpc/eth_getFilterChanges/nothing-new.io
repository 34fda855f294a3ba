// nothing is new at first
>> {"jsonrpc":"2.0","id":1,"method":"eth_newBlockFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"0x80000000000000000000000000000007"}
>> {"jsonrpc":"2.0","id":2,"method":"eth_getFilterChanges","params":["0x80000000000000000000000000000007"]}
<< {"jsonrpc":"2.0","id":2,"result":[]}
