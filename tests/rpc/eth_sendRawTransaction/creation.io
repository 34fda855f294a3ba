// contract creation is not enabled
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x02f851825cee050307830186a0808060c001a0293f9eaa2d99f7643a202e16c3049b52699d0069ea6e0e4e67273a8572418e49a03afe18649d6af0de29d0efe7b93a5c5da52afd0679dfd8e0420074693b37fd7b"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"contract creation is not enabled on this network: send to a currency or an account","data":{"reason":"may_not_deploy"}}}
