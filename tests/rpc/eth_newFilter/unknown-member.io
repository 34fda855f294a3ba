// a block hash is no range
>> {"jsonrpc":"2.0","id":1,"method":"eth_newFilter","params":[{"blockHash":"0x1111111111111111111111111111111111111111111111111111111111111111"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: filter must be an object with members of ['address', 'fromBlock', 'toBlock', 'topics'], found \"blockHash\"","data":{"reason":"invalid_parameter","field":"filter","expected":"an object with members of ['address', 'fromBlock', 'toBlock', 'topics']","actual":"blockHash"}}}
