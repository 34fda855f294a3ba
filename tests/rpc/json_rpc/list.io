// answers in the order of the list; a notification and a stranger among them
>> [{"jsonrpc":"2.0","id":"a","method":"eth_chainId","params":[]},{"jsonrpc":"2.0","method":"eth_blockNumber"},"stranger"]
<< [{"jsonrpc":"2.0","id":"a","result":"0x5cee"},{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: request must be an object, found \"stranger\"","data":{"reason":"invalid_request","field":"request","expected":"an object","actual":"stranger"}}}]
