// the native currencies by id
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getCurrencies","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":[{"id":1,"address":"0x5cee100000000000000000000000000000000001","code":"EUR","name":"Euro","decimals":2}]}
