// true, then false
>> {"jsonrpc":"2.0","id":1,"method":"eth_newBlockFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"0x80000000000000000000000000000007"}
>> {"jsonrpc":"2.0","id":2,"method":"eth_uninstallFilter","params":["0x80000000000000000000000000000007"]}
<< {"jsonrpc":"2.0","id":2,"result":true}
>> {"jsonrpc":"2.0","id":3,"method":"eth_uninstallFilter","params":["0x80000000000000000000000000000007"]}
<< {"jsonrpc":"2.0","id":3,"result":false}
