// Over HTTP nothing can be sent unasked.
>> {"jsonrpc":"2.0","id":1,"method":"eth_unsubscribe","params":["0x1"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"not supported by this node: eth_unsubscribe over HTTP; connect by WebSocket to the same port, where subscriptions are","data":{"reason":"not_supported","actual":"eth_unsubscribe over HTTP"}}}
