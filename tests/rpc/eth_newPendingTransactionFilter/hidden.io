// pending transactions are other banks' payments
>> {"jsonrpc":"2.0","id":1,"method":"eth_newPendingTransactionFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"this node does not show pending transactions: they reveal other banks' payments; its operator can add \"txpool\" to [rpc] api","data":{"reason":"pending_hidden"}}}
