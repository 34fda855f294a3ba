// functions called in a block
>> {"jsonrpc":"2.0","id":1,"method":"debug_traceBlockByHash","params":["0xca640927b042c1853596f0c08dcfeac84c0d4fab068476a4a76ef24662bc0dd3",{"tracer":"4byteTracer"}]}
<< {"jsonrpc":"2.0","id":1,"result":[{"txHash":"0x4cae174584cf4a0a6aa3a4c191989a07463ce3c4381491c1447693008e2c0fe7","result":{"0xa9059cbb-64":1}},{"txHash":"0xaf5c34e3e64ea1e281b3d5b942188cb641e66fc8a156390f91ad66a1a9fb20b5","result":{"0xa9059cbb-64":1}}]}
