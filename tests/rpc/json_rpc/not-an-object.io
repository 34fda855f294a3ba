// JSON, but no request
>> 42
<< {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: request must be an object, found 42","data":{"reason":"invalid_request","field":"request","expected":"an object","actual":"42"}}}
