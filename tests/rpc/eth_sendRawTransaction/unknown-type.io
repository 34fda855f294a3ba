// blobs are not carried here
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x03c0"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"transaction type 0x03 not supported: send type 0 (with chain id), 1 or 2","data":{"reason":"transaction_type_not_supported","actual":3}}}
