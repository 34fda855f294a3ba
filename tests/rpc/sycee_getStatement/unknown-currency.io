// a currency goes by address or code
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getStatement","params":["DEM","0x1a642f0e3c3af545e7acbd38b07251b3990914f1"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: currency must be a currency's code or address (such as EUR), found \"DEM\"","data":{"reason":"invalid_parameter","field":"currency","expected":"a currency's code or address (such as EUR)","actual":"DEM"}}}
