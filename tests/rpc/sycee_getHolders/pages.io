// by address; the cursor is the last one
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getHolders","params":["EUR",null,1]}
<< {"jsonrpc":"2.0","id":1,"result":{"currency":{"address":"0x5cee100000000000000000000000000000000001","code":"EUR","decimals":2},"holders":[{"address":"0x1a642f0e3c3af545e7acbd38b07251b3990914f1","balance":"999895","firstHeight":0}],"nextCursor":"0x1a642f0e3c3af545e7acbd38b07251b3990914f1","height":3}}
