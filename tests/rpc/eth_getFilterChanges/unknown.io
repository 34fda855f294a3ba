// no such filter, in the words clients match
>> {"jsonrpc":"2.0","id":1,"method":"eth_getFilterChanges","params":["0x1"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"filter not found","data":{"reason":"filter_not_found","actual":"0x1"}}}
