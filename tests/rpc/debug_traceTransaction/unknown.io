// no such transaction, no such tracer
>> {"jsonrpc":"2.0","id":1,"method":"debug_traceTransaction","params":["0xabababababababababababababababababababababababababababababababab"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"transaction 0xabababababababababababababababababababababababababababababababab not found among final ones","data":{"reason":"transaction_not_found","actual":"0xabababababababababababababababababababababababababababababababab"}}}
>> {"jsonrpc":"2.0","id":1,"method":"debug_traceTransaction","params":["0x4cae174584cf4a0a6aa3a4c191989a07463ce3c4381491c1447693008e2c0fe7",{"tracer":"unheardOf"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"not supported by this node: config.tracer (this node has callTracer, prestateTracer, 4byteTracer, noopTracer and the default one)","data":{"reason":"not_supported","actual":"config.tracer (this node has callTracer, prestateTracer, 4byteTracer, noopTracer and the default one)"}}}
