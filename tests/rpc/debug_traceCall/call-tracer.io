// a creation that nobody sends
>> {"jsonrpc":"2.0","id":1,"method":"debug_traceCall","params":[{"data":"0x600a600c600039600a6000f3602a60005260206000f3"},"latest",{"tracer":"callTracer"}]}
<< {"jsonrpc":"2.0","id":1,"result":{"from":"0x0000000000000000000000000000000000000000","gas":"0x2faf080","gasUsed":"0xd822","to":"0xbd770416a3345f91e4b34576cb804a576fa48eb1","input":"0x600a600c600039600a6000f3602a60005260206000f3","value":"0x0","type":"CREATE","output":"0x602a60005260206000f3"}}
