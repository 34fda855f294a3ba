// functions called in a block
>> {"jsonrpc":"2.0","id":1,"method":"debug_traceBlockByHash","params":["0x23cd6edad518f3bd65d7026569d610a7510ff12a3b757e2a768abbe51c735eef",{"tracer":"4byteTracer"}]}
<< {"jsonrpc":"2.0","id":1,"result":[{"txHash":"0x4cae174584cf4a0a6aa3a4c191989a07463ce3c4381491c1447693008e2c0fe7","result":{"0xa9059cbb-64":1}},{"txHash":"0xaf5c34e3e64ea1e281b3d5b942188cb641e66fc8a156390f91ad66a1a9fb20b5","result":{"0xa9059cbb-64":1}}]}
