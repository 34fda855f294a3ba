// one or the other
>> {"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"blockHash":"0x016c9ab4739ffe0645110da9ffda188d99f53f4e271e28848afed0db64fd8ac8","fromBlock":"0x1"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: filter must be blockHash or fromBlock and toBlock, not both, found an object","data":{"reason":"invalid_parameter","field":"filter","expected":"blockHash or fromBlock and toBlock, not both","actual":"an object"}}}
