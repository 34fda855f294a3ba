// a list must hold something
>> []
<< {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: request must be an object or a list of them, found a list of 0","data":{"reason":"invalid_request","field":"request","expected":"an object or a list of them","actual":"a list of 0"}}}
