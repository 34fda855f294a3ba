// nothing, and both ends
>> {"jsonrpc":"2.0","id":1,"method":"ots_searchTransactionsBefore","params":["0x7777777777777777777777777777777777777777",0,25]}
<< {"jsonrpc":"2.0","id":1,"result":{"txs":[],"receipts":[],"firstPage":true,"lastPage":true}}
