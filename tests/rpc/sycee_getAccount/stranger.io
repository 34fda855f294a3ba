// an account nobody paid
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getAccount","params":["0x7777777777777777777777777777777777777777"]}
<< {"jsonrpc":"2.0","id":1,"result":{"address":"0x7777777777777777777777777777777777777777","height":3,"nonce":0,"value":"0","hasCode":false,"registration":null,"balances":[],"holds":[],"redemptions":[],"nextCursor":null}}
