// nothing to explain
>> {"jsonrpc":"2.0","id":1,"method":"sycee_getRevertReason","params":["0xaf193ea0a799d13e28ca422188aef7c428dd87048a6ccbf49985731077a1a699"]}
<< {"jsonrpc":"2.0","id":1,"result":{"reverted":false,"reason":null,"data":"0x"}}
