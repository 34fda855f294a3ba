// Over HTTP nothing can be sent unasked.
>> {"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"not supported by this node: eth_subscribe over HTTP; connect by WebSocket to the same port, or poll a filter with eth_getFilterChanges","data":{"reason":"not_supported","actual":"eth_subscribe over HTTP"}}}
