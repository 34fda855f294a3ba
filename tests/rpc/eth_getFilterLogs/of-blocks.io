// a filter of blocks has no logs
>> {"jsonrpc":"2.0","id":1,"method":"eth_newBlockFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"0x80000000000000000000000000000007"}
>> {"jsonrpc":"2.0","id":2,"method":"eth_getFilterLogs","params":["0x80000000000000000000000000000007"]}
<< {"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"filter not found","data":{"reason":"filter_not_found","actual":"0x80000000000000000000000000000007"}}}
