// nonce and balances
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getAccount","params":["0x1a642f0e3c3af545e7acbd38b07251b3990914f1"]}
<< {"jsonrpc":"2.0","id":1,"result":{"address":"0x1a642f0e3c3af545e7acbd38b07251b3990914f1","nonce":4,"value":"0","hasCode":false,"balances":[{"currency":{"address":"0x5cee100000000000000000000000000000000001","code":"EUR","decimals":2},"balance":"999895"}],"height":3}}
