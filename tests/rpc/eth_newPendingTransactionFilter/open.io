// The hashes of transactions that wait, where the operator lets the mempool be seen.
>> {"jsonrpc":"2.0","id":1,"method":"eth_newPendingTransactionFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"0x80000000000000000000000000000007"}
