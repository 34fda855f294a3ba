// blobs are not carried here
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x03c0"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"blob transactions are not supported here: send type 0 (with chain id), 1, 2 or 4","data":{"reason":"transaction_type_not_supported","actual":3}}}
