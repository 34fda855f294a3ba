// Over HTTP nothing can be sent unasked.
>> {"jsonrpc":"2.0","id":1,"method":"sycee_subscribe","params":["positions",{"currency":"EUR","account":"0x0000000000000000000000000000000000000001"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"not supported by this node: sycee_subscribe over HTTP; connect by WebSocket to the same port, or poll sycee_getLogs with its cursor","data":{"reason":"not_supported","actual":"sycee_subscribe over HTTP"}}}
