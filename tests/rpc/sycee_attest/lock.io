// the word of a lock after the last final block, signed by this validator
>> {"jsonrpc":"2.0","id":1,"method":"sycee_attest","params":[{"kind":"lock","id":"0x7777777777777777777777777777777777777777777777777777777777777777"}]}
<< {"jsonrpc":"2.0","id":1,"result":{"kind":"lock","id":"0x7777777777777777777777777777777777777777777777777777777777777777","word":"0x5555555555555555555555555555555555555555555555555555555555555555","height":2,"time":1800000000,"committee":3,"signatures":[{"index":2,"signature":"0x66666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666"}]}}

// of a purse, after a certain height
>> {"jsonrpc":"2.0","id":2,"method":"sycee_attest","params":[{"kind":"purse","id":"0x7777777777777777777777777777777777777777777777777777777777777777","height":1}]}
<< {"jsonrpc":"2.0","id":2,"result":{"kind":"purse","id":"0x7777777777777777777777777777777777777777777777777777777777777777","word":"0x5555555555555555555555555555555555555555555555555555555555555555","height":1,"time":1800000000,"committee":3,"signatures":[{"index":2,"signature":"0x66666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666"}]}}

// nothing is locked under this id
>> {"jsonrpc":"2.0","id":3,"method":"sycee_attest","params":[{"kind":"lock","id":"0x0000000000000000000000000000000000000000000000000000000000000000"}]}
<< {"jsonrpc":"2.0","id":3,"result":null}

// the list of revocations is named by its hash
>> {"jsonrpc":"2.0","id":4,"method":"sycee_attest","params":[{"kind":"revocations"}]}
<< {"jsonrpc":"2.0","id":4,"result":{"kind":"revocations","id":"0x4444444444444444444444444444444444444444444444444444444444444444","word":"0x5555555555555555555555555555555555555555555555555555555555555555","height":2,"time":1800000000,"committee":3,"signatures":[{"index":2,"signature":"0x66666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666"}]}}

// an id of revocations, a kind nobody attests, and a height that is not final
>> {"jsonrpc":"2.0","id":5,"method":"sycee_attest","params":[{"kind":"revocations","id":"0x7777777777777777777777777777777777777777777777777777777777777777"}]}
<< {"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"invalid params: attested.id must be left out for revocations, found \"0x7777777777777777777777777777777777777777777777777777777777777777\"","data":{"reason":"invalid_parameter","field":"attested.id","expected":"left out for revocations","actual":"0x7777777777777777777777777777777777777777777777777777777777777777"}}}
>> {"jsonrpc":"2.0","id":6,"method":"sycee_attest","params":[{"kind":"committee","id":"0x7777777777777777777777777777777777777777777777777777777777777777"}]}
<< {"jsonrpc":"2.0","id":6,"error":{"code":-32602,"message":"invalid params: attested.kind must be one of lock, purse, revocations, found \"committee\"","data":{"reason":"invalid_parameter","field":"attested.kind","expected":"one of lock, purse, revocations","actual":"committee"}}}
>> {"jsonrpc":"2.0","id":7,"method":"sycee_attest","params":[{"kind":"lock","id":"0x7777777777777777777777777777777777777777777777777777777777777777","height":999}]}
<< {"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"invalid params: height must be between 0 and 2, found 999","data":{"reason":"invalid_parameter","field":"height","expected":"between 0 and 2","actual":"999"}}}
