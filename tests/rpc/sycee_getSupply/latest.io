// what exists now
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getSupply","params":["EUR"]}
<< {"jsonrpc":"2.0","id":1,"result":{"currency":{"address":"0x5cee100000000000000000000000000000000001","code":"EUR","decimals":2},"supply":"3000000","height":3}}
