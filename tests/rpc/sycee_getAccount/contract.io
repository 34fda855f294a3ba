// a contract that holds money
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getAccount","params":["0x248e85939e48ca12a20cdf80e60d9e3d380ca7f9"]}
<< {"jsonrpc":"2.0","id":1,"result":{"address":"0x248e85939e48ca12a20cdf80e60d9e3d380ca7f9","nonce":1,"value":"0","hasCode":true,"balances":[{"currency":{"address":"0x5cee100000000000000000000000000000000001","code":"EUR","decimals":2},"balance":"86"}],"height":3}}
